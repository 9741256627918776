package rest

import "strings"

// pageTable shows parameters that follow each other under one name, each with parts, as rows: nineteen doses are read at one glance, where
// as many lists would be six screens. Its columns are the names of the parts, in the order in which they first come.
type pageTable struct {
	Columns []string
	Rows    [][]pageCell
}

// pageCell are the parts of one name in one row; most have one.
type pageCell []pageParameter

// widestTable is how many columns a table has. Those of a claim's lines, thirteen, are still read beside each other.
const widestTable = 16

// tabled gives the parameters with each run of two or more that tableOf takes put into one that has a table.
func tabled(list []pageParameter) []pageParameter {
	var out []pageParameter
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n].Name == list[0].Name {
			n++
		}
		run := list[:n]
		list = list[n:]
		if t := tableOf(run); t != nil {
			run = []pageParameter{{Name: run[0].Name, Table: t}}
		}
		out = append(out, run...)
	}
	return out
}

// tableOf gives the table of parameters of one name, nil if they do not make one: there is only one, or one of them has a value of its
// own, no parts or parts that are tables themselves, or there are more columns than fit.
func tableOf(run []pageParameter) *pageTable {
	if len(run) < 2 {
		return nil
	}
	t := &pageTable{}
	at := map[string]int{}
	for _, p := range run {
		if p.Text != "" || p.JSON != "" || len(p.Parts) == 0 {
			return nil
		}
		for _, part := range p.Parts {
			if part.Table != nil {
				return nil
			}
			if _, ok := at[part.Name]; !ok {
				at[part.Name] = len(t.Columns)
				t.Columns = append(t.Columns, part.Name)
			}
		}
	}
	if len(t.Columns) > widestTable {
		return nil
	}
	for _, p := range run {
		row := make([]pageCell, len(t.Columns))
		for _, part := range p.Parts {
			part.Text, part.Parts = part.line(), nil
			row[at[part.Name]] = append(row[at[part.Name]], part)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// line is the text of a parameter and of all its parts in one line.
func (p pageParameter) line() string {
	texts := make([]string, 0, 1+len(p.Parts))
	if p.Text != "" {
		texts = append(texts, p.Text)
	}
	for _, part := range p.Parts {
		if text := part.line(); text != "" {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, " · ")
}

// longestWord is how many bytes of a cell's text stay in one line, if no space is in it: dates and lots are not broken at their hyphens.
const longestWord = 24

// Word says whether the text stays in one line.
func (p pageParameter) Word() bool {
	return len(p.Text) <= longestWord && !strings.Contains(p.Text, " ")
}
