"""Which translations there are: one line each."""

from collections.abc import Mapping
from types import MappingProxyType

from keeptrusts.contract.call import Route
from keeptrusts.providers.translation.chat_to_messages.translator import ChatToMessages
from keeptrusts.providers.translation.messages_to_chat.translator import MessagesToChat
from keeptrusts.providers.translation.responses_to_messages.translator import ResponsesToMessages
from keeptrusts.providers.translation.translator import Translator

TRANSLATORS: Mapping[tuple[Route, str], Translator] = MappingProxyType(
    {
        (Route.CHAT, "anthropic"): ChatToMessages(),
        (Route.MESSAGES, "openai"): MessagesToChat(),
        (Route.RESPONSES, "anthropic"): ResponsesToMessages(),
    }
)


def find_translator(route: Route, target_format: str) -> Translator | None:
    """How a client's call on `route` reaches a target of another format; None where it cannot."""
    return TRANSLATORS.get((route, target_format))
