"""The steps from one schema to the next. They may not lose a row, nor import the tables of today."""
