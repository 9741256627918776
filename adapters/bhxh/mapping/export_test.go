package mapping

// RuleTexts gives the texts of one of this room's rules.
func RuleTexts(id string) (vi, en string) { return rules[id].vi, rules[id].en }
