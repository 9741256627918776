package cases

import "testing"

// A claim is in the highest class that its amount reaches, to the hundredth.
func TestAmountsAtTheBoundsOfTheirClasses(t *testing.T) {
	for requested, want := range map[string]string{
		"": "51901|-", "0.00": "51901|0", "199999.99": "51901|0", "200000.00": "51901|200000", "999999.99": "51901|200000", "1000000.00": "51901|1000000",
		"4999999.99": "51901|1000000", "5000000.00": "51901|5000000", "20000000.00": "51901|20000000", "999999999999.99": "51901|20000000",
	} {
		if got := stratum(Row{MaCSKCB: "51901", Requested: requested}, []Dimension{ByFacility, ByAmount}); got != want {
			t.Errorf("%q: %s, want %s", requested, got, want)
		}
	}
}
