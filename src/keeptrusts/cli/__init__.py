"""`kt`: one file a command group. Prints, exits, and leaves the work to the other packages."""
