"""Public ids are the same one by one and many at once, and lead back to the stored ones
(spec/01-api-conventions.md#ids)."""

from uuid import UUID

from hypothesis import example, given
from hypothesis import strategies as st

from core.ids import encode_id, encode_ids, split_id

IDS = st.binary(min_size=16, max_size=16)


@given(st.lists(IDS))
@example([bytes([number]) * 16 for number in range(200)])
def test_many_ids_are_encoded_as_each_by_itself(values: list[bytes]) -> None:
    one_by_one = [encode_id("usr", UUID(bytes=value)) for value in values]
    assert encode_ids("usr", values) == one_by_one


@given(IDS)
def test_an_encoded_id_leads_back(value: bytes) -> None:
    [text] = encode_ids("prd", [value])
    assert split_id(text) == ("prd", UUID(bytes=value))
