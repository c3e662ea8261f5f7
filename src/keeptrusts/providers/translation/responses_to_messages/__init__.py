"""The Responses API served by a target that speaks Anthropic's Messages."""
