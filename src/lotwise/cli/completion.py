"""``lotwise completion``: a script by which a shell completes commands, options and choices."""

from __future__ import annotations

import json
from typing import Literal

from lotwise.cli.screen import Output


def completion(
    shell: Literal["bash", "zsh", "fish"],
    /,
    *,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Print a completion script, written from the commands themselves; nothing is installed.

    Parameters
    ----------
    shell
        bash: into a file that ~/.bashrc sources. zsh: into a file _lotwise in a folder of $fpath.
        fish: into ~/.config/fish/completions/lotwise.fish. After an update of lotwise, anew.
    output
        How to answer; --json has the script as one value.
    """
    from lotwise.cli.main import app

    script = app.generate_completion(prog_name="lotwise", shell=shell)
    if output.json:
        print(json.dumps({"shell": shell, "script": script}, indent=2, ensure_ascii=False))
    else:
        print(script, end="" if script.endswith("\n") else "\n")
    return 0
