enum NotErasable { A }
