"""The OpenAI dialect: chat, completions, responses, embeddings, moderations, audio and images."""
