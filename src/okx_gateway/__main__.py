"""How does the program start?  `okx-gateway` and `python -m okx_gateway` begin here."""

from okx_gateway.cli.main import cli


def main() -> None:
    """Run the command line."""
    cli(prog_name="okx-gateway")


if __name__ == "__main__":
    main()
