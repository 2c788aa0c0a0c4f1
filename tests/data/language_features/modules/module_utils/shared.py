def praise(name): return "well done " + name
