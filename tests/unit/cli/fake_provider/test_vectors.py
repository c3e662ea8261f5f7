"""The real SDKs read what is faked: embeddings, moderations, and the list of models."""

import math

import anthropic
import openai
import pytest

from fakes.sdks import anthropic_sdk, openai_sdk
from keeptrusts.cli.fake_provider.vectors import MODELS


@pytest.fixture
def sdk():
    with openai_sdk() as client:
        yield client


def test_vectors_are_the_same_packed_and_plain(sdk):
    packed = sdk.embeddings.create(model="any", input=["a", "b"])
    plain = sdk.embeddings.create(model="any", input=["a", "b"], encoding_format="float")
    for one, other in zip(packed.data, plain.data, strict=True):
        assert one.embedding == pytest.approx(other.embedding, abs=1e-6)
    assert packed.data[0].embedding != packed.data[1].embedding
    assert math.hypot(*plain.data[0].embedding) == pytest.approx(1.0)


@pytest.mark.parametrize("given", ["a text", [1, 2, 3]])
def test_a_single_text_or_token_array_has_one_vector(sdk, given):
    answer = sdk.embeddings.create(model="any", input=given, dimensions=256)
    assert [len(one.embedding) for one in answer.data] == [256]


def test_vectors_of_any_size_are_refused(sdk):
    with pytest.raises(openai.BadRequestError, match="dimensions"):
        sdk.embeddings.create(model="any", input="a", dimensions=10_000_000)


def test_nothing_is_objectionable(sdk):
    answer = sdk.moderations.create(model="any", input=["a", "b"])
    assert [result.flagged for result in answer.results] == [False, False]
    assert answer.results[0].category_scores.violence < 0.01


def test_both_sdks_list_the_models(sdk):
    assert [model.id for model in sdk.models.list()] == list(MODELS)
    with anthropic_sdk() as other:
        assert [model.id for model in other.models.list()] == list(MODELS)
        assert other.models.retrieve(MODELS[0]).display_name == MODELS[0]
    assert sdk.models.retrieve(MODELS[0]).owned_by == "fake"


def test_a_model_that_is_not_there_is_not_found(sdk):
    with pytest.raises(openai.NotFoundError):
        sdk.models.retrieve("nope")
    with anthropic_sdk() as other, pytest.raises(anthropic.NotFoundError):
        other.models.retrieve("nope")
