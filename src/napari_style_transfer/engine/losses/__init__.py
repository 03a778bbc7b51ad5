"""The terms of the objective: style, content and total variation, each a file of its own."""
