"""Tools for coding agents over the Model Context Protocol, `POST /mcp`: all of them only read."""
