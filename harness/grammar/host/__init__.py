"""What the tools of the Tool Host take and give."""
