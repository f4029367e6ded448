"""The OpenAPI document, made from the descriptors."""
