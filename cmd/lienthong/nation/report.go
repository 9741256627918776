package nation

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// Write prints the results as tables: one row for each routing, then the partitions of the routing by residence.
func Write(w io.Writer, c Config, results []Result) error {
	fmt.Fprintf(w, "%d people stand for %d, %d years, seed %d; a log takes %.0f resources/s, a server reads back %.0f/s\n\n",
		c.People, c.Nation, c.Years, c.Seed, c.Capacity, c.Replay)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "routing\tbusiest/mean\twrites away\treads away\treads of several\tpartitions a read\tin directory\tcarried/s\t")
	for _, r := range results {
		fmt.Fprintf(t, "%s\t%.2f\t%.1f %%\t%.1f %%\t%.1f %%\t%.2f\t%.1f %%\t%.0f\t\n", r.Routing, r.Balance(),
			100*r.AwayWrites, 100*r.AwayReads, 100*r.Several, r.Fan, 100*r.Listed, r.Carried)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, r := range results {
		if r.Routing != ByResidence {
			continue
		}
		fmt.Fprintf(w, "\npartitions by residence; after an outage of %.0f hours:\n", c.Outage)
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(t, "\tpeople\tresources\tdisk\twrites/s\tpeak/s\tof the log\twaiting\tcaught up in\tserver anew in\t")
		for _, p := range r.Parts {
			fmt.Fprintf(t, "%s\t%.1f M\t%.0f M\t%.0f GB\t%.0f\t%.0f\t%.0f %%\t%.1f M\t%.1f h\t%.0f h\t\n", p.Name, p.People/1e6, p.Resources/1e6,
				p.Resources*c.Bytes/1e9, p.Mean, p.Peak, 100*p.Peak/c.Capacity, p.Behind/1e6, p.CatchUp, p.Rebuild)
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	return nil
}
