from pathlib import Path

import pytest

from okx_gateway.settings.source import Reading, read_environment, read_file, variable

NAMES = frozenset({"redis_url", "rest_listen", "calls_max", "option_families", "vault_key"})


def read_text(tmp_path: Path, text: str) -> tuple[dict[str, str], tuple[str, ...]]:
    path = tmp_path / "gateway.yaml"
    path.write_text(text)
    readings = read_file(path, NAMES)
    return {name: reading.text for name, reading in readings.values.items()}, readings.problems


def test_variables_of_settings_are_read_and_others_left_alone() -> None:
    readings = read_environment(
        {"OKX_GATEWAY_REDIS_URL": "redis://x", "PATH": "/bin", "OKX_GATEWAY_CONFIG": "x.yaml"},
        NAMES,
    )
    assert readings.values == {"redis_url": Reading("redis://x", "")}
    assert readings.problems == ()


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("OKX_GATEWAY_REDIS_URI", "did you mean OKX_GATEWAY_REDIS_URL?"),
        ("OKX_GATEWAY_CALL_MAX", "did you mean OKX_GATEWAY_CALLS_MAX?"),
        ("OKX_GATEWAY_redis_url", "did you mean OKX_GATEWAY_REDIS_URL?"),
        ("OKX_GATEWAY_ZZZ", "no such setting"),
        ("OKX_GATEWAY_", "no such setting"),
        ("OKX_GATEWAY_REST_PORT", "no such setting"),
    ],
)
def test_a_misspelt_variable_is_told_with_the_nearest_name(key: str, hint: str) -> None:
    readings = read_environment({key: "8080"}, NAMES)
    assert readings.values == {}
    (problem,) = readings.problems
    assert problem.startswith(f"{key}: no such setting")
    assert hint in problem


def test_variables_that_kubernetes_sets_for_a_service_are_no_misspellings() -> None:
    # What a pod sees beside Services called okx-gateway and okx-gateway-headless.
    links = {
        "OKX_GATEWAY_SERVICE_HOST": "10.0.0.1",
        "OKX_GATEWAY_SERVICE_PORT": "50051",
        "OKX_GATEWAY_SERVICE_PORT_GRPC": "50051",
        "OKX_GATEWAY_PORT": "tcp://10.0.0.1:50051",
        "OKX_GATEWAY_PORT_50051_TCP": "tcp://10.0.0.1:50051",
        "OKX_GATEWAY_PORT_50051_TCP_PROTO": "tcp",
        "OKX_GATEWAY_PORT_50051_TCP_PORT": "50051",
        "OKX_GATEWAY_PORT_50051_TCP_ADDR": "10.0.0.1",
        "OKX_GATEWAY_HEADLESS_SERVICE_HOST": "10.0.0.2",
        "OKX_GATEWAY_HEADLESS_PORT": "tcp://10.0.0.2:8080",
    }
    assert read_environment(links, NAMES).problems == ()


def test_a_file_is_read_as_texts(tmp_path: Path) -> None:
    values, problems = read_text(
        tmp_path,
        "redis_url: redis://x\ncalls_max: 0200\noption_families: [BTC-USD, ETH-USD]\n"
        "rest_listen: 10:20\n",
    )
    assert problems == ()
    assert values == {
        "redis_url": "redis://x",
        "calls_max": "0200",
        "option_families": "BTC-USD,ETH-USD",
        "rest_listen": "10:20",
    }


def test_a_value_from_a_file_knows_its_line(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text("# comment\n\nredis_url: x\n")
    assert read_file(path, NAMES).values["redis_url"].place == f"{path} line 3"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("redis_uri: x\n", "did you mean redis_url?"),
        ("redis_url: x\nredis_url: y\n", "set before"),
        ("redis_url: {a: b}\n", "a text, a number or a list"),
        ("option_families: [[a]]\n", "a text, a number or a list"),
        ("vault_key: AAAA\n", "OKX_GATEWAY_VAULT_KEY_FILE"),
        ("[1, 2]\n", "mapping"),
        ("just text\n", "mapping"),
        ("a: b: c\n", "line 1 is not YAML"),
        ("redis_url: *nowhere\n", "is not YAML"),
        ("\x00", "is not YAML"),
        ("redis_url: " + "[" * 5000, "is not YAML"),
        ("# " + "x" * 70_000, "larger"),
    ],
)
def test_a_wrong_file_is_told(tmp_path: Path, text: str, words: str) -> None:
    values, problems = read_text(tmp_path, text)
    assert words in problems[0]
    assert "AAAA" not in problems[0]
    assert all(name == "redis_url" for name in values)


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_bytes(b"redis_url: \xff\xfe\n")
    assert "not YAML" in read_file(path, NAMES).problems[0]


def test_an_empty_file_sets_nothing(tmp_path: Path) -> None:
    assert read_text(tmp_path, "# nothing\n") == ({}, ())


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    (problem,) = read_file(tmp_path / "none.yaml", NAMES).problems
    assert "none.yaml: No such file" in problem
    assert problem.startswith("OKX_GATEWAY_CONFIG")


def test_an_environment_variable_is_the_name_in_upper_case() -> None:
    assert variable("redis_url") == "OKX_GATEWAY_REDIS_URL"
