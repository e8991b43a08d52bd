meta:
  id: records
  endian: le
  encoding: UTF-8
seq:
  - id: magic
    contents: [0x52, 0x45]
  - id: count
    type: u2
  - id: items
    type: item
    repeat: expr
    repeat-expr: count
types:
  item:
    params:
      - {id: extra, type: u1}
    seq:
      - {id: kind, type: u1, enum: kinds}
      - {id: size, type: u4be, if: kind != kinds::none}
      - id: body
        size: size
        type:
          switch-on: kind
          cases:
            'kinds::text': text
            _: blob
    instances:
      total: {value: size + 1}
      first: {pos: 0, type: u1}
  text:
    seq:
      - {id: value, type: strz}
  blob:
    seq:
      - {id: bits, type: b3}
      - {id: rest, size-eos: true}
enums:
  kinds: {0: none, 1: text, 2: {id: blob, doc: bytes}}
