"""Chat completions served by a target that speaks Anthropic's Messages."""
