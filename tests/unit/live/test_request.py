"""The address that `watchbirds` asks for."""

import pytest

from birdwatcher.live.watch.request import Request, parse_url


@pytest.mark.parametrize(
    ("species", "names", "query"),
    [
        (["Wren", "42"], [], "species=Wren&species=42"),
        (["Robin, European"], [], "species_name=Robin%2C+European"),
        ([], ["42", "Wren"], "species_name=42&species_name=Wren"),
    ],
)
def test_a_name_with_a_comma_or_of_digits(species: list[str], names: list[str], query: str) -> None:
    request = Request("ws://h/api/v1/live", species=species, species_names=names)
    assert request.address(None, None) == f"ws://h/api/v1/live?{query}"


@pytest.mark.parametrize("path", ["", "/", "/api/v1/live"])
@pytest.mark.parametrize("prefix", ["", "/birdwatcher"])
def test_an_address_may_have_a_path(prefix: str, path: str) -> None:
    assert parse_url(f"https://h{prefix}{path}") == f"wss://h{prefix}/api/v1/live"
