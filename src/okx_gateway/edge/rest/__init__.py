"""REST: routes from the proto, JSON to messages and back, Server-Sent Events."""
