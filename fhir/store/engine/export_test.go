package engine

// Shrink makes every search take the ways that are meant for large stores. Call back restores.
func Shrink() (back func()) {
	was := tune
	tune = tuning{unionMax: 1, fewForPage: 2, fewForAll: 3, minBudget: 2, patience: 2, fewToSort: 2, listMax: 3, nearby: 1}
	return func() { tune = was }
}

// Dir gives the folder that the engine was opened in.
func (e *Engine) Dir() string { return e.dir }
