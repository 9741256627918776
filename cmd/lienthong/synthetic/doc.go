// Package synthetic invents a population of Quảng Ngãi, for the demo and for tests: families with citizen IDs and
// insurance cards, their vaccinations by the national schedule, their visits and the claims for them.
//
// Nothing in it is real. Each resource says so in meta.tag (Tag, with a display that people can read), facilities carry
// names that say so and codes from the range set aside for invention (51901 to 51919), and commune and staff codes are
// made up. What is true to life is the shape: numbers obey the patterns of the field, doses keep the schedule's ages and
// intervals, amounts obey the formulas of the claim file to the đồng.
//
// The same Config gives the same bytes. A family does not depend on how many others there are, and its resources have
// ids made from the seed ("syn-1-00012"), so that loading the same population twice changes nothing.
package synthetic
