"""`tessera bench`: times Tessera beside other libraries, and says what came out."""
