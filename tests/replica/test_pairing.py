"""Enrolment's texts and proofs: what is accepted, and that nothing else is."""

from __future__ import annotations

import base64
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replica.pairing import (
    ADDRESSES_MAX,
    PENDING_LIFE_MS,
    TRIES_MAX,
    EnrolmentBurnt,
    EnrolmentExpired,
    EnrolmentOffer,
    EnrolmentSpent,
    MalformedCode,
    MalformedOffer,
    MalformedTranscript,
    NewerOffer,
    PairingError,
    PendingEnrolment,
    Side,
    Transcript,
    WrongProof,
    check_address,
    check_hub_proof,
    code_from_entropy,
    decode_offer,
    encode_offer,
    entropy_from_code,
    find_pending,
    key_from_code,
    key_from_token,
    proof_holds,
    prove,
)

OFFER = EnrolmentOffer(
    addresses=("192.168.1.5:8443", "[fe80::1]:8443", "hub.local:8443"),
    fingerprint=bytes(range(32)),
    token=b"\xfb\xff" * 8,
    site_key_hash=b"\x07" * 32,
)
TRANSCRIPT = Transcript(*(bytes([number]) * 32 for number in range(6)))
KEY = key_from_code("0123-4567-89AB-CDEF")

hosts = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(lambda address: f"[{address}]"),
    st.from_regex(r"[a-z]([a-z0-9-]{0,10}[a-z0-9])?(\.[a-z]{2,8}){0,3}", fullmatch=True),
)
offers = st.builds(
    EnrolmentOffer,
    addresses=st.lists(
        st.builds("{}:{}".format, hosts, st.integers(1, 65_535)), min_size=1, max_size=ADDRESSES_MAX
    ).map(tuple),
    fingerprint=st.binary(min_size=32, max_size=32),
    token=st.binary(min_size=16, max_size=32),
    site_key_hash=st.binary(min_size=32, max_size=32),
)


@given(offers)
def test_an_offer_reads_back_as_it_was_written(offer: EnrolmentOffer) -> None:
    assert decode_offer(encode_offer(offer)) == offer


def test_an_offer_is_short_enough_for_an_old_camera() -> None:
    assert len(encode_offer(OFFER)) < 260


@given(offers, st.data())
def test_an_offer_has_one_spelling(offer: EnrolmentOffer, data: st.DataObject) -> None:
    text = encode_offer(offer)
    place = data.draw(st.integers(0, len(text) - 1))
    character = data.draw(st.characters(min_codepoint=33, max_codepoint=126))
    changed = text[:place] + character + text[place + 1 :]
    try:
        read = decode_offer(changed)
    except PairingError:
        return
    assert (read == offer) == (changed == text)


@given(st.text(max_size=2_000))
def test_any_other_text_is_refused_by_name(text: str) -> None:
    for attempt in (text, "fieldlog://enrol?" + text):
        with pytest.raises(PairingError):
            decode_offer(attempt)


def test_refusals_say_what_was_wrong() -> None:
    text = encode_offer(OFFER)
    with pytest.raises(NewerOffer, match="update"):
        decode_offer(text.replace("v=1", "v=2"))
    with pytest.raises(MalformedOffer, match="no Fieldlog enrolment code"):
        decode_offer("https://example.org/" + text)
    with pytest.raises(MalformedOffer, match="damaged"):
        decode_offer(text + "&x=1")
    with pytest.raises(MalformedOffer, match="damaged"):
        decode_offer(text + "&" + text[text.index("t=") :])
    with pytest.raises(MalformedOffer, match="at most"):
        decode_offer(text + "A" * 2_000)
    short = base64.urlsafe_b64encode(b"short").decode().rstrip("=")
    token = text[text.index("t=") + 2 : text.index("&s=")]
    with pytest.raises(MalformedOffer, match="token"):
        decode_offer(text.replace(token, short))


@pytest.mark.parametrize(
    "address",
    [
        "", "10.0.0.5", "10.0.0.5:0", "10.0.0.5:65536", "10.0.0.5:08", "10.0.0.256:8443",
        "::1:8443", "[::1]", "[10.0.0.1]:8443", "[fe80::1%eth0]:8443", "a b:1", "-a:1", "a..b:1",
        "user@hub:1", "hub/path:1", "HUB:1", "1.2.3:80", "hub:8443\n", "hub:٣",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(MalformedOffer, match="no address"):
        check_address(address)


def test_an_address_splits_into_host_and_port() -> None:
    assert check_address("[fe80::1]:8443") == ("fe80::1", 8443)
    assert check_address("hub.local:80") == ("hub.local", 80)


@given(st.binary(min_size=10, max_size=10))
def test_a_code_survives_a_careless_hand(entropy: bytes) -> None:
    code = code_from_entropy(entropy)
    assert len(code) == 19
    assert code.count("-") == 3
    assert entropy_from_code(code) == entropy
    careless = code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert entropy_from_code(f"  {careless}\n") == entropy
    assert entropy_from_code(code.replace("0", "O").replace("1", "i").replace("-", "")) == entropy
    assert entropy_from_code(code.replace("-", "–")) == entropy


@given(st.binary(min_size=10, max_size=10), st.binary(min_size=10, max_size=10))
def test_two_codes_have_nothing_in_common(one: bytes, other: bytes) -> None:
    first, second = key_from_code(code_from_entropy(one)), key_from_code(code_from_entropy(other))
    assert (first == second) == (one == other)
    assert (first.locator == second.locator) == (one == other)


@pytest.mark.parametrize(
    ("code", "word"),
    [("", "has 0"), ("0123-4567-89AB-CDE", "has 15"), ("0123-4567-89AB-CDEF-0", "has 17"),
     ("0123-4567-89AB-CDEU", "'U'"), ("0123-4567-89AB-CDE!", "'!'"), ("A" * 5_000, "longer"),
     ("0123-4567-89AB-CDEß", "have no")],
)  # fmt: skip
def test_a_mistyped_code_says_what_is_wrong(code: str, word: str) -> None:
    with pytest.raises(MalformedCode, match=word):
        entropy_from_code(code)


def test_a_token_and_a_code_never_give_one_key() -> None:
    entropy = bytes(10)
    with pytest.raises(MalformedOffer):
        key_from_token(entropy)
    assert key_from_token(bytes(16)) != key_from_token(bytes(17))


@pytest.mark.parametrize("side", list(Side))
def test_a_proof_holds_for_one_transcript_side_and_secret(side: Side) -> None:
    proof = prove(KEY, side, TRANSCRIPT)
    assert proof_holds(KEY, side, TRANSCRIPT, proof)
    other_side = Side.HUB if side is Side.PHONE else Side.PHONE
    assert not proof_holds(KEY, other_side, TRANSCRIPT, proof)
    assert not proof_holds(key_from_token(bytes(16)), side, TRANSCRIPT, proof)
    assert not proof_holds(KEY, side, TRANSCRIPT, proof[:-1])
    assert not proof_holds(KEY, side, TRANSCRIPT, b"")
    for each in fields(Transcript):
        changed = replace(TRANSCRIPT, **{each.name: b"\xff" * 32})
        assert not proof_holds(KEY, side, changed, proof), each.name


def test_a_transcript_of_odd_lengths_is_refused() -> None:
    with pytest.raises(MalformedTranscript, match="hub_nonce"):
        replace(TRANSCRIPT, hub_nonce=b"\x00" * 31)


def test_both_sides_convince_each_other() -> None:
    pending = PendingEnrolment(KEY, made_at_ms=1_000)
    phone_key = key_from_code("oi23 4567 89ab cdef")
    found = find_pending([PendingEnrolment(key_from_token(bytes(16)), 0), pending], KEY.locator)
    assert found is pending
    attempt = found.attempt(TRANSCRIPT, prove(phone_key, Side.PHONE, TRANSCRIPT), 2_000)
    assert attempt.accepted
    check_hub_proof(phone_key, TRANSCRIPT, prove(KEY, Side.HUB, TRANSCRIPT))


def test_a_phone_leaves_a_hub_that_cannot_prove_itself() -> None:
    with pytest.raises(WrongProof, match="not the hub"):
        check_hub_proof(KEY, TRANSCRIPT, prove(KEY, Side.PHONE, TRANSCRIPT))


def test_a_code_enrols_one_phone() -> None:
    pending = PendingEnrolment(KEY, made_at_ms=0)
    proof = prove(KEY, Side.PHONE, TRANSCRIPT)
    after = pending.attempt(TRANSCRIPT, proof, 1)
    assert after.accepted
    assert after.tries_left == 0
    with pytest.raises(EnrolmentSpent, match="used already"):
        after.pending.attempt(TRANSCRIPT, proof, 2)


def test_five_wrong_proofs_burn_a_code_even_for_its_owner() -> None:
    pending = PendingEnrolment(KEY, made_at_ms=0)
    for used in range(1, TRIES_MAX + 1):
        attempt = pending.attempt(TRANSCRIPT, b"\x00" * 32, 1)
        assert not attempt.accepted
        assert attempt.tries_left == TRIES_MAX - used
        pending = attempt.pending
    with pytest.raises(EnrolmentBurnt, match="5 times"):
        pending.attempt(TRANSCRIPT, prove(KEY, Side.PHONE, TRANSCRIPT), 1)


@pytest.mark.parametrize("age_ms", [PENDING_LIFE_MS, PENDING_LIFE_MS * 1_000, -1])
def test_a_code_is_open_for_ten_minutes(age_ms: int) -> None:
    pending = PendingEnrolment(KEY, made_at_ms=5_000_000)
    pending.check_open(5_000_000 + PENDING_LIFE_MS - 1)
    with pytest.raises(EnrolmentExpired, match="ten minutes"):
        pending.attempt(TRANSCRIPT, prove(KEY, Side.PHONE, TRANSCRIPT), 5_000_000 + age_ms)


def test_an_unknown_locator_finds_nothing() -> None:
    assert find_pending([PendingEnrolment(KEY, 0)], bytes(8)) is None


def test_secrets_never_show_in_a_log_line() -> None:
    shown = repr((OFFER, PendingEnrolment(KEY, 0)))
    assert KEY.key.hex() not in shown
    assert repr(KEY.key) not in shown
    assert repr(OFFER.token) not in shown
