package store

// ParamBuilder is a Store that indexes what it has by added search parameters, which it knows by the records of
// search.RegisteredSpace. It does so by itself, while it serves: a parameter is to be used once BuiltParams has it. Each
// engine builds for itself; which parameters there are follows from the log.
type ParamBuilder interface {
	// BuildsParams says whether it can at all.
	BuildsParams() bool
	// BuiltParams gives the numbers of the parameters in force that all resources are indexed by, ascending. The caller
	// must not change it.
	BuiltParams() []uint16
	// ParamProgress tells how far the index of a parameter is.
	ParamProgress(number uint16) BuildProgress
}

// BuildProgress is how far the index of an added parameter is.
type BuildProgress struct {
	State BuildState
	Done  int    // resources looked at
	Total int    // resources to look at, roughly: others write meanwhile
	Fault string // why it does not go on; "" = it does
}

// BuildState is what becomes of the index of an added parameter.
type BuildState string

const (
	BuildWaiting  BuildState = "waiting"  // for another build to end
	BuildRunning  BuildState = "building" //
	BuildReady    BuildState = "ready"    // searches use it
	BuildCleaning BuildState = "removing" // the parameter is gone, its rows are not yet
	BuildUnknown  BuildState = "none"     // no such parameter
)

// Percent is the part of the resources that was looked at; 100 only when the parameter is ready.
func (p BuildProgress) Percent() int {
	switch {
	case p.State == BuildReady:
		return 100
	case p.Total <= 0:
		return 0
	}
	return min(99, 100*p.Done/p.Total)
}
