"""What an instance takes before it defends itself: calls in flight, bytes of bodies, requests and tokens in time."""
