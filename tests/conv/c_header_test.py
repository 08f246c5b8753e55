import ctypes

from synthmed_jax.conv import c_header

HEADER = """
#define VERSION 7
#define NOT_A_NUMBER(x) (x + 1)
typedef enum { RED = 1, BLUE = 12, } Colour;
typedef uint32_t Flags;
typedef struct Inner {
  Flags flags;  // 4 bytes; the pointer after it begins at 8
  const char* text;
} Inner;
/* struct Hidden { int x; }; */
struct Outer {
  size_t size;
  Colour colour;
  Inner inner;
  void (*destroy)(void* object);
  struct Outer* next;
  int64_t* numbers;  // length == size
  Flags flags;
};
struct Unknown { int a; long double b; int c; };
struct Holder { Unknown unknown; int after; };
"""


class Inner(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint32), ("text", ctypes.c_char_p))


class Outer(ctypes.Structure):
    _fields_ = (
        ("size", ctypes.c_size_t),
        ("colour", ctypes.c_int),
        ("inner", Inner),
        ("destroy", ctypes.c_void_p),
        ("next", ctypes.c_void_p),
        ("numbers", ctypes.c_void_p),
        ("flags", ctypes.c_uint32),
    )


def test_fields_lie_where_c_puts_them():
    found = c_header.layout(HEADER)
    for name, struct in (("Inner", Inner), ("Outer", Outer)):
        for field, _ in struct._fields_:
            assert found[f"{name}.{field}"] == getattr(struct, field).offset
    assert found["Outer.inner.text"] == Outer.inner.offset + Inner.text.offset


def test_constants_have_their_values():
    found = c_header.layout(HEADER)
    assert (found["VERSION"], found["RED"], found["BLUE"]) == (7, 1, 12)
    assert "NOT_A_NUMBER" not in found


def test_what_is_not_understood_is_left_out():
    found = c_header.layout(HEADER)
    unknown = {name for name in found if name.startswith(("Unknown", "Holder", "Hidden"))}
    assert unknown == {"Unknown.a"}
