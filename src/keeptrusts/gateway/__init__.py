"""The data plane: one process that serves model traffic through a policy pack."""
