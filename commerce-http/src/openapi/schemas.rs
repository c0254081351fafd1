//! What is true of all schemas alike, and a type's derive does not say.

use std::collections::BTreeSet;

use utoipa::{
    Number,
    openapi::{
        self as doc, Ref, RefOr,
        path::Operation,
        request_body::RequestBody,
        schema::{
            AdditionalProperties, ArrayItems, KnownFormat, Object, Schema, SchemaFormat,
            SchemaType, Type,
        },
    },
};

/// A part of a schema: an object or a value of a simple type, or the name of another schema.
enum Part<'a> {
    Value(&'a mut Object),
    Ref(&'a Ref),
}

/// Has every integer say how far it goes, and be of a format that holds all of it.
///
/// The formats that every client knows are signed: one that is made from the document would read a `u32`
/// that is called `int32` into too small a number.
pub(super) fn measure(document: &mut doc::OpenApi) {
    everywhere(document, &mut |part| {
        if let Part::Value(value) = part {
            measured(value);
        }
    });
}

fn measured(value: &mut Object) {
    let integer = match &value.schema_type {
        SchemaType::Type(kind) => *kind == Type::Integer,
        SchemaType::Array(kinds) => kinds.contains(&Type::Integer),
        SchemaType::AnyValue => false,
    };
    if !integer {
        return;
    }
    let format = match &value.format {
        Some(SchemaFormat::KnownFormat(format)) => Some(format),
        _ => None,
    };
    let bounds: Option<(Number, Number)> = match format {
        Some(KnownFormat::UInt8) => Some((u8::MIN.into(), u8::MAX.into())),
        Some(KnownFormat::UInt16) => Some((u16::MIN.into(), u16::MAX.into())),
        Some(KnownFormat::UInt32) => Some((u32::MIN.into(), u32::MAX.into())),
        Some(KnownFormat::Int32) => Some((i32::MIN.into(), i32::MAX.into())),
        _ => None,
    };
    if format != Some(&KnownFormat::Int32) {
        value.format = Some(SchemaFormat::KnownFormat(KnownFormat::Int64));
    }
    let (minimum, maximum) = bounds.unzip();
    value.minimum = value.minimum.take().or(minimum);
    value.maximum = value.maximum.take().or(maximum);
}

/// Has the objects of requests say that they have no other fields: unknown ones are refused.
pub(super) fn close(document: &mut doc::OpenApi) {
    let mut left = Vec::new();
    for operation in super::operations(document) {
        for schema in sent(operation) {
            within(schema, &mut |part| closed(part, &mut left));
        }
    }
    let Some(components) = &mut document.components else { return };
    let mut seen = BTreeSet::new();
    while let Some(name) = left.pop() {
        if let Some(schema) = components.schemas.get_mut(&name)
            && seen.insert(name)
        {
            within(schema, &mut |part| closed(part, &mut left));
        }
    }
}

/// Closes an object that has fields of its own, and notes what is referred to.
fn closed(part: Part<'_>, names: &mut Vec<String>) {
    match part {
        Part::Ref(to) => names.extend(to.ref_location.rsplit('/').next().map(str::to_owned)),
        Part::Value(object) if !object.properties.is_empty() => {
            object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        }
        Part::Value(_) => {}
    }
}

/// The schemas of what is sent to an operation.
fn sent(operation: &mut Operation) -> impl Iterator<Item = &mut RefOr<Schema>> {
    let contents = match &mut operation.request_body {
        Some(RefOr::T(RequestBody { content, .. })) => Some(content.values_mut()),
        _ => None,
    };
    contents.into_iter().flatten().filter_map(|content| match content {
        RefOr::T(content) => content.schema.as_mut(),
        RefOr::Ref(_) => None,
    })
}

/// Does something with every schema of a document.
fn everywhere(document: &mut doc::OpenApi, act: &mut impl FnMut(Part<'_>)) {
    for operation in super::operations(document) {
        for parameter in operation.parameters.iter_mut().flatten() {
            if let RefOr::T(parameter) = parameter
                && let Some(schema) = &mut parameter.schema
            {
                within(schema, act);
            }
        }
        sent(operation).for_each(|schema| within(schema, act));
        for response in operation.responses.responses.values_mut() {
            let RefOr::T(response) = response else { continue };
            for content in response.content.values_mut() {
                if let RefOr::T(content) = content
                    && let Some(schema) = &mut content.schema
                {
                    within(schema, act);
                }
            }
        }
    }
    let components = document.components.iter_mut();
    components.flat_map(|it| it.schemas.values_mut()).for_each(|schema| within(schema, act));
}

/// Does something with the parts of a schema that are written inside it.
fn within(schema: &mut RefOr<Schema>, act: &mut impl FnMut(Part<'_>)) {
    match schema {
        RefOr::Ref(to) => act(Part::Ref(to)),
        RefOr::T(schema) => inside(schema, act),
    }
}

fn inside(schema: &mut Schema, act: &mut impl FnMut(Part<'_>)) {
    let parts = match schema {
        Schema::Object(object) => {
            act(Part::Value(object));
            object.properties.values_mut().for_each(|property| within(property, act));
            if let Some(AdditionalProperties::RefOr(rest)) =
                object.additional_properties.as_deref_mut()
            {
                within(rest, act);
            }
            return;
        }
        Schema::Array(array) => {
            array.prefix_items.iter_mut().for_each(|item| inside(item, act));
            if let ArrayItems::RefOrSchema(item) = &mut array.items {
                within(item, act);
            }
            return;
        }
        Schema::OneOf(choice) => &mut choice.items,
        Schema::AnyOf(choice) => &mut choice.items,
        Schema::AllOf(all) => &mut all.items,
        _ => return,
    };
    parts.iter_mut().for_each(|part| within(part, act));
}
