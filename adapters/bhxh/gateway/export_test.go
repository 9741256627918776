package gateway

// Classify gives the outcome of a reply, for the fuzz target.
func Classify(status int, body []byte) Outcome {
	return outcome(exchange{connected: true, status: status, body: body})
}
