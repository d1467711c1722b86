// The tree of a parsed template.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engines/native/inputs/chat/value.hpp"

namespace ridgeline::native::jinja {

struct Expression;
using ExpressionPtr = std::unique_ptr<const Expression>;

enum class ExpressionKind : std::uint8_t {
  kConstant,     ///< constant
  kName,         ///< name
  kList,         ///< parts
  kTuple,        ///< parts
  kDict,         ///< parts: key, value, key, value, ...
  kAttribute,    ///< parts[0].name
  kItem,         ///< parts[0][parts[1]]
  kSlice,        ///< parts[0][parts[1]:parts[2]:parts[3]], each of the three may be null
  kCall,         ///< parts[0](arguments)
  kFilter,       ///< parts[0] | name(arguments); null parts[0]: the text of the block around
  kTest,         ///< parts[0] is name(arguments)
  kUnary,        ///< name parts[0], with "not", "-" and "+"
  kAnd,          ///< parts[0] and parts[1]
  kOr,           ///< parts[0] or parts[1]
  kCompare,      ///< parts[0] operators[0] parts[1] operators[1] ...
  kArithmetic,   ///< parts[0] name parts[1]
  kConcat,       ///< parts joined as texts
  kConditional,  ///< parts[1] if parts[0] else parts[2], which may be null
};

struct Argument {
  enum class Form : std::uint8_t { kPlace, kName, kList, kDict };  ///< x, name=x, *x, **x
  Form form;
  std::string name;
  ExpressionPtr value;
};

struct Expression {
  ExpressionKind kind;
  int line = 0;
  int depth = 1;  ///< levels of expressions in it
  std::string name = {};
  Value constant = {};
  std::vector<ExpressionPtr> parts = {};
  std::vector<std::string> operators = {};
  std::vector<Argument> arguments = {};
};

/// What is assigned to: a name, an attribute of a namespace, or several of them.
struct Target {
  enum class Form : std::uint8_t { kName, kAttribute, kSeveral };
  Form form = Form::kName;
  std::string name = {};
  std::string attribute = {};
  std::vector<Target> several = {};
};

struct Statement;
using Block = std::vector<std::unique_ptr<const Statement>>;

enum class StatementKind : std::uint8_t {
  kText,      ///< text
  kPrint,     ///< expressions
  kIf,        ///< expressions[i] chooses bodies[i]; one more body is the else
  kFor,       ///< target in expressions[0] (if expressions[1]): bodies[0], else bodies[1]
  kSet,       ///< target = expressions[0]
  kSetBlock,  ///< target = bodies[0], through the filters of expressions[0] unless that is null
  kFilter,    ///< bodies[0] through the filters of expressions[0]
  kWith,      ///< target.several = expressions, in bodies[0]
  kMacro,     ///< signature, bodies[0]
  kCall,      ///< expressions[0] is a call; signature and bodies[0] are its caller()
  kScope,     ///< bodies[0] with names of its own: {% generation %}
  kBreak,
  kContinue,
};

/// The parameters of a macro.
struct Signature {
  std::string name = {};
  std::vector<std::string> parameters = {};
  std::vector<ExpressionPtr> defaults = {};  ///< of the last parameters
  bool takes_more_places = false;            ///< the body reads `varargs`
  bool takes_more_names = false;             ///< the body reads `kwargs`
  bool takes_caller = false;                 ///< the body reads `caller`
};

struct Statement {
  StatementKind kind;
  int line = 0;
  std::string text = {};
  Target target = {};
  Signature signature = {};
  std::vector<ExpressionPtr> expressions = {};
  std::vector<Block> bodies = {};
};

}  // namespace ridgeline::native::jinja
