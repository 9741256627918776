package engine

import (
	"container/heap"

	"github.com/lienthong/lienthong/fhir/search"
)

// merged is the OR of many posting lists, read as far as it is sought: a list is opened when its turn comes. A page takes the first
// members; to collect them all would take all rows of all lists.
type merged struct {
	r      *run
	lists  mergedLists
	weight int // estimated number of members, 0 = not weighed
}

// mergedList is a posting list that is not opened before something beyond its first member is sought.
type mergedList struct {
	on   number // its least member that is not passed
	key  []byte // what its rows begin with
	list *posting
}

// mergedLists is a heap: the list with the least member first.
type mergedLists []mergedList

func (l mergedLists) Len() int           { return len(l) }
func (l mergedLists) Less(i, j int) bool { return l[i].on < l[j].on }
func (l mergedLists) Swap(i, j int)      { l[i], l[j] = l[j], l[i] }
func (l *mergedLists) Push(x any)        { *l = append(*l, x.(mergedList)) }
func (l *mergedLists) Pop() any {
	last := (*l)[len(*l)-1]
	*l = (*l)[:len(*l)-1]
	return last
}

func (m *merged) seek(n number) (number, bool) {
	for len(m.lists) > 0 && m.lists[0].on < n {
		first := &m.lists[0]
		if first.list == nil {
			first.list = m.r.postingAt(first.key)
		}
		on, ok := first.list.seek(n)
		if !ok {
			heap.Pop(&m.lists)
			continue
		}
		first.on = on
		heap.Fix(&m.lists, 0)
	}
	if len(m.lists) == 0 || m.r.err != nil {
		return 0, false
	}
	return m.lists[0].on, m.r.tick()
}

// estimate weighs a few of the lists.
func (m *merged) estimate() int {
	if few := min(4, len(m.lists)); m.weight == 0 && few > 0 {
		for i := range few {
			l := &m.lists[i]
			if l.list == nil {
				l.list = m.r.postingAt(l.key)
			}
			m.weight += l.list.estimate()
		}
		m.weight = m.weight * len(m.lists) / few
	}
	return m.weight
}

// references gives a chain that leads to few resources as the lists of what refers to each of them; nil if they are many, or
// to find them takes more than budget rows.
func (r *run) references(c search.Chain, typ typeCode, budget int) numbers {
	prefix := appendParamKey(nil, c.Param, typ)
	var lists [][]byte // what the rows of each begin with
	for _, q := range c.Targets {
		matches := r.inner(q, budget, innerCost)
		for n, ok := matches.next(); ok; n, ok = matches.next() {
			if len(lists) == tune.listsMax {
				return nil
			}
			if v, _, alive := r.versions().at(n); alive { // mostly it was just decided by this row
				lists = append(lists, appendEscaped(prefix[:paramKeyLen:paramKeyLen], search.ReferenceValue(r.keyOf(&v))))
			}
		}
		if matches.gaveUp {
			return nil
		}
	}
	var inside collector // of references into the same document
	for _, q := range c.Within {
		var within bool
		if budget, within = r.followWithin(c, q, typ, budget, inside.add); !within {
			return nil
		}
	}
	var all numbers
	if len(lists) == 1 {
		all = r.postingAt(lists[0])
	} else {
		all = r.merge(lists)
	}
	if inside.list == nil && inside.bits == nil {
		return all
	}
	return union{all, inside.set()}
}

// merge gives the OR of posting lists of one parameter and type.
func (r *run) merge(lists [][]byte) *merged {
	m := &merged{r: r}
	if len(lists) == 0 {
		return m
	}
	prefix := lists[0][:paramKeyLen]
	it := r.iter(prefix, after(prefix))
	if it == nil {
		return m
	}
	for _, key := range lists {
		for ok := it.SeekGE(key); ok && hasPrefix(it.Key(), key) && r.tick(); ok = it.Next() {
			if openAt(r.value(it), r.t) {
				m.lists = append(m.lists, mergedList{on: lastNumber(it.Key()), key: key})
				break
			}
		}
		r.done(it)
	}
	heap.Init(&m.lists)
	return m
}
