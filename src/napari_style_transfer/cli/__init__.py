"""The command ``napari-style-transfer``."""

#: Exit codes: bad input, anything else that went wrong, and stopped by Ctrl-C (128 + SIGINT).
BAD_INPUT, FAILED, INTERRUPTED = 2, 1, 130
