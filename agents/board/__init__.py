"""The built-in board: what workers say at /metrics, as a page with tables and charts, and with a short memory."""
