// Package nation simulates a country that is partitioned by province, each partition with a log of its own: how load is
// spread, how often a request needs more than one partition, what a move carries, and how long a province that failed takes
// to catch up. Nothing in it serves; docs/nation.md draws conclusions from it. It may import nothing of ours. Start reading
// at Config, then Run.
package nation
