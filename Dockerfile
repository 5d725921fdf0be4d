# The image of compose.yaml: lotwise with the extras of requirements/image.in, run by a user without rights.
#   docker build -t lotwise .
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY requirements/image.txt requirements/core.in requirements/
RUN python -m venv /opt/lotwise \
    && /opt/lotwise/bin/python -m pip install --no-cache-dir --require-hashes -r requirements/image.txt
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY src src
RUN /opt/lotwise/bin/python -m pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin lotwise \
    && install -d -o lotwise -g lotwise -m 0700 /data
COPY --from=build /opt/lotwise /opt/lotwise
ENV PATH=/opt/lotwise/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    XDG_DATA_HOME=/data \
    LOTWISE_CACHE_DIR=/data/cache
VOLUME /data
WORKDIR /data
USER lotwise
ENTRYPOINT ["lotwise"]
CMD ["--help"]
