"""An OKX that can lie: a simulator of the exchange to test against."""
