throw new Error("this module does not like to be imported")
