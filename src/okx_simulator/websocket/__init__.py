"""How sockets are served: logins, subscriptions, operations and pushes."""
