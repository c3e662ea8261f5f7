"""The policy pack language: text to a judged value. Knows no policy, no network, no clock."""
