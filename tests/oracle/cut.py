"""Cut a quantized ONNX into one submodel for each node: the DequantizeLinear in front of it, the node (with
the clamp behind it where nothing is quantized in between), the QuantizeLinear behind it."""
import onnx
from onnx import TensorProto, helper

CLAMPS = ("Relu", "Clip")
INTEGER_OPS = ("QLinear", "QGemm", "QAttention", "MatMulInteger", "ConvInteger")


class Piece:
    """`op`: the node's type. `inputs`: {input of the submodel: name of our tensor}. `result`: name of our
    tensor that the submodel's output is compared with. `integer`: the result is quantized."""

    def __init__(self, node, model, inputs, output, result, integer):
        self.op, self.name = node.op_type, node.name
        self.model, self.inputs, self.output, self.result, self.integer = (
            model,
            inputs,
            output,
            result,
            integer,
        )


def without_passes(model):
    """Without the Sums of one tensor that mixed files have for onnxruntime (docs/architecture.md)."""
    g, alias = model.graph, {}
    for n in [n for n in g.node if n.op_type == "Sum" and len(n.input) == 1]:
        alias[n.output[0]] = n.input[0]
        g.node.remove(n)
    for n in g.node:
        n.input[:] = [alias.get(i, i) for i in n.input]
    return model


class Cutter:
    def __init__(self, model):
        self.model, g = without_passes(model), model.graph
        self.maker = {o: n for n in g.node for o in n.output}
        self.users = {}
        for n in g.node:
            for i in n.input:
                self.users.setdefault(i, []).append(n)
        self.constants = {i.name: i for i in g.initializer}
        self.graph_inputs = {i.name for i in g.input}
        self.info = {
            v.name: v
            for v in [*onnx.shape_inference.infer_shapes(model).graph.value_info, *g.input, *g.output]
        }

    def type_of(self, tensor):
        return self.info[tensor].type.tensor_type.elem_type

    def is_weight_dq(self, n):
        return n.op_type == "DequantizeLinear" and n.input[0] in self.constants

    def stored_name(self, q):
        """Our name of the integers that a DequantizeLinear reads."""
        if q in self.graph_inputs:
            return q
        source = self.maker[q].input[0]  # X_raw, or a graph input
        return (
            source
            if source in self.graph_inputs
            else next(u.output[0] for u in self.users[q] if u.op_type == "DequantizeLinear")
        )

    def behind(self, tensor):
        """Nodes from the last quantized tensors to this one, in order; None where a float tensor is read on
        the way."""
        found, todo, reads_integer = [], [tensor], False
        while todo:
            t = todo.pop()
            n = self.maker.get(t)
            if n is None or n in found:
                if n is None and t in self.graph_inputs:
                    return None
                continue
            found.append(n)
            if n.op_type == "DequantizeLinear":
                reads_integer |= not self.is_weight_dq(n)
                continue
            if n.op_type == "QuantizeLinear":
                return None
            todo += [i for i in n.input if i]
        return [n for n in self.model.graph.node if n in found] if reads_integer else None

    def piece(self, nodes, last, output, result, integer):
        inputs, constants, values = {}, {}, []
        for n in nodes:
            for i in n.input:
                if i in self.constants:
                    constants[i] = self.constants[i]
            if n.op_type == "DequantizeLinear" and not self.is_weight_dq(n):
                q = n.input[0]
                if q not in inputs:
                    inputs[q] = self.stored_name(q)
                    shape = [d.dim_value for d in self.info[q].type.tensor_type.shape.dim]
                    values.append(helper.make_tensor_value_info(q, self.type_of(q), shape))
        out = helper.make_tensor_value_info(
            output, self.type_of(output) if integer else TensorProto.FLOAT, None
        )
        graph = helper.make_graph(nodes, "piece", values, [out], list(constants.values()))
        m = helper.make_model(
            graph,
            opset_imports=self.model.opset_import,
            ir_version=self.model.ir_version,
            functions=self.model.functions,
        )
        return Piece(last, m, inputs, output, result, integer)

    def pieces(self):
        """One Piece for each node that reads integers."""
        for n in self.model.graph.node:
            if n.op_type == "QuantizeLinear":
                nodes = self.behind(n.input[0])
                if nodes:
                    work = [k for k in nodes if k.op_type != "DequantizeLinear"]
                    main = next((k for k in work if k.op_type not in CLAMPS), work[0]) if work else n
                    readers = self.users.get(n.output[0], [])
                    dq = next(
                        (u for u in readers if u.op_type == "DequantizeLinear"), n
                    )  # n: an integer output
                    yield self.piece([*nodes, n], main, n.output[0], dq.output[0], True)
            elif n.op_type != "DequantizeLinear" and not self.leads_to_quantize(n):
                ins = [self.maker.get(i) for i in n.input]
                if any(
                    k is not None and k.op_type == "DequantizeLinear" and not self.is_weight_dq(k)
                    for k in ins
                ):
                    nodes = self.behind(n.output[0])
                    if nodes:
                        yield self.piece(nodes, n, n.output[0], n.output[0], False)

    def leads_to_quantize(self, n):
        """Its result, or that of the clamp behind it, is quantized."""
        for u in self.users.get(n.output[0], []):
            if u.op_type == "QuantizeLinear" or (u.op_type in CLAMPS and self.leads_to_quantize(u)):
                return True
        return False


def used_integer_kernel(path):
    """What the graph that onnxruntime ran computes in: the name of the integer kernel, the plain operator
    where that moved or compared int8 as it is, or None for float."""
    nodes = onnx.load(path).graph.node
    for n in nodes:
        if n.op_type.startswith(INTEGER_OPS):
            return n.op_type
    if any(n.op_type == "DequantizeLinear" for n in nodes):
        return None
    return "/".join(dict.fromkeys(n.op_type for n in nodes)) or None
