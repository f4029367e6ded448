"""Who calls us: gRPC and REST in, domain values through, statuses out."""
