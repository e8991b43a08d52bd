meta: {id: expressions, endian: be}
seq:
  - {id: a, type: s4, valid: {min: -1, max: 5}}
  - {id: b, size: '(a < 0 ? 4 : a * 2) & 0xff', process: xor(0x5a)}
  - {id: c, type: str, size: 3, encoding: ASCII, terminator: 0}
  - {id: d, type: u1, repeat: until, repeat-until: '_ == 0 or _io.eof'}
instances:
  e: {value: 'b.length > 0 and c.to_i(10) == 3'}
  f: {value: '[1, 2, 3][_index]', if: 'd.size != 0'}
