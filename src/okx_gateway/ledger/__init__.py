"""What has been sent and what may still be sent."""
