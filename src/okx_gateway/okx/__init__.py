"""How OKX speaks: endpoints, codecs, verdicts and connections; knows nothing of callers."""
