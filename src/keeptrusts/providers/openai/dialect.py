"""Every route of the OpenAI dialect, in one list."""

from keeptrusts.contract.call import Route
from keeptrusts.providers.openai import chat, media, plain, responses
from keeptrusts.providers.openai.chat_stream import ChatStream
from keeptrusts.providers.openai.media_stream import MediaStream
from keeptrusts.providers.openai.responses_stream import ResponsesStream
from keeptrusts.providers.shape import Shape, ShapedDialect
from keeptrusts.providers.usage import openai_usage

_TRANSCRIPTIONS = Shape(
    describe=media.describe_transcription,
    collect_call=media.collect_media_call,
    collect_reply=media.collect_transcript,
    write_reply=media.write_transcript,
    text_reply=True,
    open_stream=MediaStream,
    counts=openai_usage,
    takes_json=False,
    takes_form=True,
)

SHAPES = {
    Route.CHAT: Shape(
        describe=chat.describe_chat,
        collect_call=chat.collect_chat_call,
        collect_reply=chat.collect_chat_reply,
        write_reply=media.write_scrubbed,
        open_stream=ChatStream,
        counts=openai_usage,
        output_limit="max_completion_tokens",
    ),
    Route.COMPLETIONS: Shape(
        describe=plain.describe_completion,
        collect_call=plain.collect_plain_call,
        collect_reply=plain.collect_completion_reply,
        write_reply=media.write_scrubbed,
        open_stream=ChatStream,
        counts=openai_usage,
        output_limit="max_tokens",
    ),
    Route.RESPONSES: Shape(
        describe=responses.describe_responses,
        collect_call=responses.collect_responses_call,
        collect_reply=responses.collect_responses_reply,
        write_reply=media.write_scrubbed,
        open_stream=ResponsesStream,
        counts=openai_usage,
        output_limit="max_output_tokens",
    ),
    Route.EMBEDDINGS: Shape(describe=plain.describe_plain, collect_call=plain.collect_plain_call, counts=openai_usage),
    Route.MODERATIONS: Shape(
        describe=plain.describe_plain,
        collect_call=plain.collect_plain_call,
        counts=openai_usage,
        default_model="omni-moderation-latest",
    ),
    Route.SPEECH: Shape(
        describe=media.describe_speech,
        collect_call=media.collect_media_call,
        binary_reply="audio",
        open_stream=MediaStream,
        counts=openai_usage,
    ),
    Route.TRANSCRIPTIONS: _TRANSCRIPTIONS,
    Route.TRANSLATIONS: _TRANSCRIPTIONS,
    **dict.fromkeys(
        (Route.IMAGE_GENERATIONS, Route.IMAGE_EDITS, Route.IMAGE_VARIATIONS),
        Shape(
            describe=media.describe_image,
            collect_call=media.collect_media_call,
            collect_reply=media.collect_image_reply,
            open_stream=MediaStream,
            counts=openai_usage,
            default_model="dall-e-2",
            takes_form=True,
        ),
    ),
}

OPENAI = ShapedDialect("openai", SHAPES)
