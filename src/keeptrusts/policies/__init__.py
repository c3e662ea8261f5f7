"""The rules: one file each, pure. A policy returns a verdict; somebody else acts on it."""
