"""What people type: commands that run the gateway, call it, and keep its vault."""
