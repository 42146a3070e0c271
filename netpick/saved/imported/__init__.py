"""Models from elsewhere to netpick's model file: what a file of Keras says is read as data, looked up in a closed table, and proved."""
