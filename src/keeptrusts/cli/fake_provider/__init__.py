"""A provider without a model, to try a gateway offline: answers in OpenAI's and in Anthropic's dialect.

It says back what it was told, so that what a policy changed on the way in can be seen. Words in the last message
change what it does:

- `fake:leak`       answers with a test card number and an e-mail address, to see what a policy does on the way out
- `fake:slow 2`     takes two seconds: before a whole answer, spread over a streamed one (at most 30)
- `fake:error 429`  fails with that status, in the dialect's own shape (400 to 599)
- `fake:truncate`   breaks the connection in the middle of the answer

Where tools are offered it calls one, with arguments made from its schema; where JSON is asked for it answers in JSON.
"""
