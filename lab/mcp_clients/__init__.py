"""Agent frameworks as clients of the MCP server, each with a scripted model.

They are installed into an environment of their own, `.venv-mcp-clients`; the server runs in the usual one.
"""
